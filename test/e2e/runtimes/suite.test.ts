/** The HTTP suite against cfile as a real process on each runtime. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import { type Azure, startAzure } from '../azure.ts'
import { describeWith } from '../engines.ts'
import { type Door, doors } from './doors.ts'
import { suite } from './suite.ts'
import { createWorld, settings, type World } from './world.ts'

/** Starts a door before the tests of a block and ends it after them. */
function open(door: Door, path: string): () => World {
  let world: World
  let azure: Azure
  let stop = async () => {}
  const folder = mkdtempSync(join(tmpdir(), 'cfile-door-'))
  beforeAll(async () => {
    azure = await startAzure()
    const opened = await door.open(path, folder, { ...settings, ...azure.env })
    stop = () => opened.stop()
    world = createWorld(opened.url, azure)
  })
  afterAll(async () => {
    await stop()
    await azure.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return () => world
}

for (const door of doors) {
  describeWith([door.engine], `${door.runtime} with ${door.storage}`, (path) => {
    const world = open(door, path)
    for (const { title, gaps = {}, run } of suite) {
      const gap = gaps[door.runtime]
      if (gap === undefined) it(title, async () => void (await run(world())))
      else it.fails(`${title} (known gap: ${gap})`, async () => void (await run(world())))
    }
  })
}
