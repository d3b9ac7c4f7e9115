#!/usr/bin/env node
// Old syntax only, so that an old Node can parse this file and say what is wrong instead of printing a stack trace.
var need = [22, 22, 2]
var have = process.versions.node.split('.').map(Number)
var older = have[0] - need[0] || have[1] - need[1] || have[2] - need[2]

if (older < 0) {
  console.error('instar needs Node.js ' + need.join('.') + ' or newer; this is ' + process.versions.node + '.')
  process.exitCode = 1
} else {
  import('../dist/main.js').catch(function (error) {
    console.error(error)
    process.exitCode = 1
  })
}
