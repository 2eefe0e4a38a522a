/**
 * What the fuzzer begins with: a few well-formed inputs of each target, as strings of bytes.
 */

const citation =
  '{"type":"container_file_citation","container_id":"cntr_1","file_id":"cfile_1","filename":"a.csv","start_index":2,"end_index":28}'
const text = '{"type":"output_text","text":"[a.csv](sandbox:/mnt/data/a.csv) ok","annotations":[]}'
const call = '{"type":"code_interpreter_call","id":"ci_1","container_id":"cntr_1","code":"x"}'
const message = `{"type":"message","id":"msg_1","role":"assistant","content":[${text}]}`
const cited = text.replace('[]', `[${citation}]`)

function event(type: string, more: string): string {
  return `event: ${type}\ndata: {"type":"${type}","sequence_number":1,"item_id":"msg_1","output_index":1,"content_index":0,${more}}\n\n`
}

const stream = [
  event('response.output_item.done', `"item":${call}`),
  event('response.output_text.delta', '"delta":"[a.csv](sand"'),
  event('response.output_text.delta', '"delta":"box:/mnt/data/a.csv) ok"'),
  event('response.output_text.annotation.added', `"annotation_index":0,"annotation":${citation}`),
  event('response.output_text.done', '"text":"[a.csv](sandbox:/mnt/data/a.csv) ok"'),
  event('response.completed', `"response":{"id":"resp_1","output":[${call},${message}]}`),
]

const form =
  '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\na,b\r\n--b--\r\n'

export const seeds: Readonly<Record<string, readonly string[]>> = {
  sse: ['data: 1\n\n', 'event: a\r\ndata: {"b":1}\r\ndata: 2\r\n\r\n', ': note\rid: 1\rdata\r\r'],
  json: ['{"a":[1,-2.5e3,"\\u00e9\\n",true,null,{}]}', ' [] ', '"\xc3\xa9"'],
  spans: ['{"a":[1,-2.5e3,"\\u00e9\\n",true,null,{}]}', ' [ 1 , {"b" : "c" } ] ', '"x"'],
  range: ['2bytes=0-4', '\x01bytes=-5', '\xffbytes=7-', '2bytes=0-1,2-3'],
  disposition: [
    `attachment; filename="a.csv"; filename*=UTF-8''%c3%9c.csv`,
    'inline; filename=a\\"b',
    'text/csv; charset="utf-8"',
  ],
  multipart: [`b       ${form}`, form],
  link: ['AQDX8qvYBgxvbmU.hLTJFjmg1Pw4xKhUuPLDvQ', 'a.b'],
  stream: [stream.join(''), ...stream],
  answer: [
    `{"id":"resp_1","object":"response","output":[${call},${message}]}`,
    `{"id":"resp_1","output":[{"type":"message","content":[${cited}]}]}`,
  ],
  citations: [
    `{"output":[${call},{"type":"message","content":[${cited}]}]}`,
    `{"choices":[{"message":{"tool_calls":[{"function":{"output":{"files":[{"container_id":"cntr_1","file_id":"cfile_1"}]}}}]}}]}`,
    stream.join(''),
  ],
  retry: ['1500', '\n30', '\nThu, 01 Jan 2026 00:00:10 GMT\nThu, 01 Jan 2026 00:00:00 GMT'],
  xml: [
    '<Error><Code>BlobNotFound</Code></Error>',
    '<Blobs><Blob><Name>a/&amp;&#252;&#xe9;.bin</Name></Blob><Blob><Name>b</Name></Blob></Blobs>',
  ],
  table: ['a,b\n1,"x ""y"", z"\n', 'a;b\r\n1;2\r\n', 'a\tb\n"1\n2"\t3'],
  names: [
    '{"model":"gpt-4.1","previous_response_id":"resp_1","input":[{"type":"item_reference","id":"msg_1"}],"tools":[{"type":"code_interpreter","container":"cntr_1"}]}',
    '{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}],"conversation":{"id":"conv_1"}}',
  ],
  payload: [
    '\x01\x00\x80\x81\x02\x04k\x00\x00\x00\x1ccfile_1\x00',
    'https://a.example/s/AQ.0123456789012345678901/a.csv',
  ],
  webhook: ['evt_1\n1\nv1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n{}'],
  ids: ['cfile_0123456789abcdef', 'cntr_6b0b0767931c3169', 'file-abc', 'assistant-1'],
  settings: [
    'AZURE_OPENAI_ENDPOINT=https://res.openai.azure.com\nAZURE_OPENAI_API_KEY=key\nPORT=80',
    'CFILE_UPSTREAMS=[{"name":"a","endpoint":"https://a.openai.azure.com","api_key":"k","weight":2}]',
    'CFILE_API_KEYS=ann:0123456789abcdef,*:fedcba9876543210\nCFILE_SIGNING_KEYS=a:0123456789abcdef0123456789abcdef',
    'CFILE_STORE=redis://127.0.0.1:6379\nCFILE_ARCHIVE=s3://bucket/prefix?region=eu\nAWS_ACCESS_KEY_ID=a',
    'CFILE_ARCHIVE=azblob:https://account.blob.core.windows.net/files\nCFILE_LINKS=rewrite\nCFILE_LINK_TTL=60',
    'CFILE_PUBLIC_URL=https://files.example.com/ai\nCFILE_CORS_ORIGINS=https://a.example,*\nHOST=::1',
    'CFILE_JWKS_URL=https://a.example/keys\nCFILE_WEBHOOK_SECRETS=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ],
}
