import { findsEvery } from './table.js'

findsEvery('second')
