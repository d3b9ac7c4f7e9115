import { command, defineContract, query } from '@instar/simulator-runtime'
import * as z from 'zod'

export const colours = ['blue', 'red', 'green', 'yellow'] as const
const element = z.int()
const colour = z.enum(colours)
export type Colour = z.infer<typeof colour>

/** Reference example A of docs/model.md, version 1: a set of integers. */
export const intSet = defineContract('IntSet', {
  insert: command(z.tuple([element]), z.void()),
  delete: command(z.tuple([element]), z.void()),
  contains: query(z.tuple([element]), z.boolean()),
  size: query(z.tuple([]), z.int())
})

/** Version 2: every element has one colour. Inserting a present element with another colour recolours it. */
export const colorSet = defineContract('ColorSet', {
  insertColor: command(z.tuple([element, colour]), z.void()),
  delete: command(z.tuple([element]), z.void()),
  /** The element must be present. */
  getColor: query(z.tuple([element]), colour),
  contains: query(z.tuple([element]), z.boolean())
})

/** Version 3: also counts. */
export const countingColorSet = defineContract('ColorSet', {
  ...colorSet.methods,
  /** How many elements have each colour; colours without elements are left out. */
  countByColor: query(z.tuple([]), z.partialRecord(colour, z.int()))
})
