import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packagesOf } from './bundle-packages.js'

test('packages are found by what sources import at run time, with the paths within them', () => {
  const sources = [
    "import knex, { type Knex } from 'knex'\nimport { readFile } from 'node:fs/promises'\nimport { Jid } from '@beaconfire/plugin-sdk'\n",
    "import Runner from 'knex/lib/execution/runner.js'\nimport type { Static } from 'typebox'\nimport { local } from './local.js'\n",
    "const { register } = await import('tsx/esm/api')\nconst { AsnConvert } = await import('@peculiar/asn1-schema')\n",
  ]
  const found = [...packagesOf(sources)].map(([name, paths]) => [name, ...paths])
  assert.deepEqual(found, [
    ['knex', '.', './lib/execution/runner.js'],
    ['@peculiar/asn1-schema', '.'],
  ])
})
