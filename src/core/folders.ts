/**
 * Creates folders by the functions of a runtime.
 *
 * @module
 */

/** The functions of `node:fs/promises` and `node:path` that {@link makeFolders} uses. */
interface FolderTools {
  stat(path: string): Promise<{ isDirectory(): boolean }>
  mkdir(path: string, options: { readonly mode?: number }): Promise<unknown>
  dirname(path: string): string
}

/**
 * Creates a folder and its missing parents. Node's `mkdir` with `recursive` never ends where the system creates no
 * folders, as in `/proc`.
 *
 * @param mode permissions of the new folders
 * @throws the error of the system
 */
export async function makeFolders(path: string, tools: FolderTools, mode?: number): Promise<void> {
  const isThere = await tools.stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isThere) return
  const parent = tools.dirname(path)
  if (parent !== path) await makeFolders(parent, tools, mode)
  await tools.mkdir(path, { mode }).catch((error: unknown) => {
    // Another process created it meanwhile, or a file has its name: then the next step fails with ENOTDIR.
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (!isTaken) throw error
  })
}
