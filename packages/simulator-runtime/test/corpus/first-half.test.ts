import { findsEvery } from './table.js'

findsEvery('first')
