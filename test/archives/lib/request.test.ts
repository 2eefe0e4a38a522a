import { describe, expect, it } from 'vitest'
import { azureBlobArchive, sharedKey } from '../../../src/archives/azure-blob.ts'
import { textOf } from '../../../src/archives/lib/request.ts'
import { s3Archive } from '../../../src/archives/s3.ts'
import { testSha256 } from '../contract.ts'

/** A service that gives the same answer to every request. */
function service(answer: () => Response) {
  return {
    fetch: async () => answer(),
    wait: async () => {},
    now: () => 1_790_000_000,
    createSha256: testSha256,
    newName: () => 'name',
  }
}

const signer = { sign: async (url: string) => new Request(url) }

const archives = {
  s3: (answer: () => Response) =>
    s3Archive({ ...service(answer), signer, bucketUrl: 'https://s3.example/bucket' }),
  azblob: (answer: () => Response) =>
    azureBlobArchive({
      ...service(answer),
      containerUrl: 'https://a.blob.core.windows.net/c',
      auth: sharedKey('a', btoa('key')),
    }),
}

const xml = (code: string) => `<Error><Code>${code}</Code></Error>`

describe('an error answer of a cloud archive', () => {
  it.each([
    ['s3', 403, 'AccessDenied', /AWS_ACCESS_KEY_ID.*CFILE_ARCHIVE/],
    ['s3', 403, 'SignatureDoesNotMatch', /AWS_SECRET_ACCESS_KEY/],
    ['s3', 404, 'NoSuchBucket', /Create the bucket, or correct its name in CFILE_ARCHIVE/],
    ['s3', 301, 'PermanentRedirect', /region in CFILE_ARCHIVE/],
    ['azblob', 403, 'AuthenticationFailed', /AZURE_STORAGE_KEY.*SAS in CFILE_ARCHIVE/],
    ['azblob', 403, 'AuthorizationPermissionMismatch', /Storage Blob Data Contributor/],
    [
      'azblob',
      404,
      'ContainerNotFound',
      /Create the container, or correct its name in CFILE_ARCHIVE/,
    ],
  ] as const)('%s %i %s names the setting and the solution', async (kind, status, code, cure) => {
    const archive = archives[kind](() => new Response(xml(code), { status }))
    await expect(archive.get('o/f')).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining(`${status} ${code}`),
      details: { hint: expect.stringMatching(cure) },
    })
  })
})

describe('a text in XML', () => {
  it('keeps unknown entities, also those with names of inherited properties', () => {
    expect(textOf('<a>&lt;&#65;&constructor;&toString;&nbsp;</a>', 'a')).toBe(
      '<A&constructor;&toString;&nbsp;',
    )
  })
})
