/**
 * The Python that would have made the files. It says of itself that it was not run.
 *
 * @module
 */

import type { Series } from './artefacts/series.ts'
import { endingOf } from './ending.ts'
import type { PlannedFile } from './plan.ts'

const writers: Readonly<Record<string, string>> = {
  csv: 'df.to_csv(PATH, index=False)',
  xlsx: 'df.to_excel(PATH, index=False)',
  json: 'df.to_json(PATH)',
  html: 'df.to_html(PATH)',
}

/** A script for a plan; its numbers are those in the files. */
export function codeFor(plan: readonly PlannedFile[], series: Series): string {
  const { unit, labels, values, chart } = series
  const lines = plan.flatMap(({ name }) => {
    const path = JSON.stringify(`/mnt/data/${name}`)
    if (endingOf(name) === 'png') {
      return [`df.plot.${chart}(x="${unit}", y="sales")`, `plt.savefig(${path})`, 'plt.show()']
    }
    const writer = writers[endingOf(name)] ?? 'open(PATH, "wb").write(content)'
    return [writer.replace('PATH', () => path)]
  })
  return [
    "# Not run: cfile's emulator wrote the files itself.",
    'import pandas as pd',
    'import matplotlib.pyplot as plt',
    `df = pd.DataFrame({"${unit}": ${JSON.stringify(labels)}, "sales": ${JSON.stringify(values)}})`,
    ...lines,
    '',
  ].join('\n')
}
