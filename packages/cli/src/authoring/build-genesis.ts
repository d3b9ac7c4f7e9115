import type { BuiltBundle } from '@instar/bundler'
import { encodeManifest, InstarError, type ClassUpgrade, type Descriptor, type StateKind } from '@instar/core'
import { instarVersion, writeGenesisSeed } from '@instar/node/control'
import type { NewProtection } from '@instar/signer'
import { buildClass } from './build-class.js'

export interface GenesisInit {
  readonly modules: ReadonlyArray<{ readonly name: string | undefined; readonly entry: string }>
  readonly name: string
  readonly durability: 'os' | 'disk'
  readonly nowMs: number
}

export interface Genesis {
  readonly classes: readonly string[]
  /** Makes keys and documents, and the seed of the first peer. Returns the network id. */
  readonly write: (dataDirectory: string, keysDirectory: string, protection: NewProtection) => Promise<string>
}

interface GenesisClass {
  readonly built: BuiltBundle
  readonly className: string
  readonly state: StateKind
}

/** Builds and checks the classes of a network's version 1; nothing is written before `write`. */
export async function buildGenesis(init: GenesisInit): Promise<Genesis> {
  const classes: GenesisClass[] = []
  for (const { name, entry } of init.modules) {
    const { built, facts } = await buildClass(entry)
    if (facts.kind !== 'class')
      throw new InstarError('BadInput', `${entry} defines an upgrade; version 1 needs a class (defineClass).`)
    if (name !== undefined && name !== facts.newClass)
      throw new InstarError('BadInput', `${entry} defines the class ${facts.newClass}, not ${name}.`)
    classes.push({ built, className: facts.newClass, state: facts.state })
  }
  return {
    classes: classes.map(each => each.className),
    async write(dataDirectory, keysDirectory, protection) {
      const { createKeystore, createNetwork } = await import('@instar/signer')
      const descriptor = (network: string): Descriptor => ({
        format: 1,
        network,
        version: 1,
        previous: network,
        title: init.name,
        notes: '',
        createdAt: new Date(init.nowMs).toISOString(),
        runtime: `>=${instarVersion}`,
        supersedes: [],
        classes: classes.map(each => genesisClass(each, init))
      })
      const keystore = await createKeystore(keysDirectory, protection)
      const created = await createNetwork({ keystore, descriptor, nowMs: init.nowMs })
      await writeGenesisSeed(dataDirectory, {
        network: created.network,
        name: init.name,
        documents: Object.values(created.documents),
        descriptor: created.descriptor,
        bundles: classes.map(({ built }) => ({
          id: built.bundle,
          manifest: encodeManifest(built.manifest),
          files: built.files
        }))
      })
      return created.network
    }
  }
}

function genesisClass({ className, built, state }: GenesisClass, init: GenesisInit): ClassUpgrade {
  return {
    newClass: className,
    bundle: built.bundle,
    entry: built.entry,
    compatible: false,
    transform: 'none',
    state,
    durability: init.durability,
    back: 'none',
    // Nothing is upgraded by genesis: its peers start with it.
    schedule: { strategy: { type: 'eager' }, deadline: new Date(init.nowMs).toISOString(), deadlineSpreadMs: 0 },
    probationMs: 0,
    stableMs: 0,
    retirement: { quietMs: 0 }
  }
}
