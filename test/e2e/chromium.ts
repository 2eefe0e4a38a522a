/**
 * Chromium for tests: it reaches loopback only.
 *
 * @module
 */

import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'

const quietArguments = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-component-extensions-with-background-pages',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
]

export function launchChromium(executablePath: string): Promise<Browser> {
  // Without a UTF-8 locale Chromium saves a file whose name is not ASCII as "download".
  const env = { ...process.env, LANG: 'C.UTF-8' }
  return chromium.launch({ executablePath, chromiumSandbox: false, args: quietArguments, env })
}

/** What a page did against its Content-Security-Policy, and the errors of its script; to be asked before it is left. */
export async function watchFaults(page: Page): Promise<() => Promise<string[]>> {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) errors.push(message.text())
  })
  return async () => {
    // A violation is reported after the script that caused it.
    await page.waitForTimeout(50)
    return errors
  }
}

/** The violations that axe finds in a page, as rules and the elements that break them. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Through the debugger, which no Content-Security-Policy stops.
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    )
  })
}
