/**
 * `npm run licences` writes THIRD_PARTY.md. `npm run licences -- --check` fails if it is out of date.
 *
 * Both refuse packages whose licence requires more than to pass on its text.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { root, type Shipped, shippedPackages } from './shipped.ts'

/** SPDX ids of licences that only require to pass on their text. */
const permitted = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
])

const introduction = `# Third-party packages

cfile uses these packages. The npm package names them as dependencies; a Worker's bundle and the container image contain
them. This file is made by \`npm run licences\`; a test fails while it is out of date.
`

/** One line for each package whose licence is missing or not permitted. */
export function licenceFaults(packages: readonly Pick<Shipped, 'name' | 'licence'>[]): string[] {
  return packages
    .filter(({ licence }) => licence === undefined || !permitted.has(licence))
    .map(({ name, licence }) => `${name} has the licence ${licence ?? '(none declared)'}.`)
}

/** The text of THIRD_PARTY.md. */
export function thirdParty(packages: readonly Shipped[]): string {
  const rows = packages.map(
    ({ name, version, licence, isInImageOnly }) =>
      `| [${name}](#${anchorOf(name)}) | ${version} | ${licence} | ${isInImageOnly ? 'container image' : 'npm package'} |`,
  )
  const table = ['| package | version | licence | ships in |', '| --- | --- | --- | --- |', ...rows]
  const texts = packages.map(
    ({ name, path }) => `## ${name}\n\n\`\`\`\n${licenceText(path)}\n\`\`\`\n`,
  )
  return [introduction, `${table.join('\n')}\n`, ...texts].join('\n')
}

/** Returns the anchor of a heading, as GitHub creates it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\w-]/g, '')
}

function licenceText(path: string): string {
  const folder = `${root}/${path}`
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(?:\.\w+)?$/i.test(entry))
  if (file === undefined) return 'The package comes without the text of its licence.'
  const text = readFileSync(`${folder}/${file}`, 'utf8')
  return text
    .replace(/\r/g, '')
    .replace(/[ \t]+$/gm, '')
    .trim()
}

if (import.meta.main) {
  const packages = shippedPackages()
  const path = `${root}/THIRD_PARTY.md`
  const faults = licenceFaults(packages)
  const text = thirdParty(packages)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text)
    faults.push('THIRD_PARTY.md is out of date: npm run licences.')
  process.stdout.write(
    packages.map(({ name, version, licence }) => `${name} ${version} ${licence}\n`).join(''),
  )
  process.stderr.write(faults.map((fault) => `${fault}\n`).join(''))
  process.exitCode = faults.length === 0 ? 0 : 1
}
