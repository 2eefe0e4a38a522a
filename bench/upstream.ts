/** Runs nginx twice: as the upstream that sends files from memory, and as the proxy to compare with. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measured, start } from './process.ts'

export const ports = {
  plain: 9301,
  tls: 9302,
  nginxPlain: 9303,
  nginxTls: 9304,
  proxy: 9310,
} as const

/** The container in the requests. */
export const containerId = `cntr_${'6b'.repeat(24)}`
export const fileIds = {
  small: `cfile_${'a'.repeat(32)}`,
  large: `cfile_${'b'.repeat(32)}`,
} as const

export interface Bench {
  readonly folder: string
  /** Path of the certificate, for `NODE_EXTRA_CA_CERTS`. */
  readonly certificate: string
  readonly upstream: Measured
  startNginx(): Promise<Measured>
}

/** Creates the files, and starts the upstream on core 1. */
export async function startUpstream(largeBytes: number): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'cfile-bench-'))
  const content = join(folder, 'www', 'openai', 'v1', 'containers', containerId, 'files')
  for (const [id, bytes] of [
    [fileIds.small, 1024],
    [fileIds.large, largeBytes],
  ] as const) {
    mkdirSync(join(content, id), { recursive: true })
    execFileSync(
      'dd',
      ['if=/dev/zero', `of=${join(content, id, 'content')}`, 'bs=1024', `count=${bytes / 1024}`],
      { stdio: 'ignore' },
    )
  }
  const key = join(folder, 'key.pem')
  const certificate = join(folder, 'cert.pem')
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  )
  const upstream = await nginx(
    folder,
    'upstream',
    1,
    ports.plain,
    `
    server {
      listen 127.0.0.1:${ports.plain}; listen 127.0.0.1:${ports.tls} ssl http2;
      ssl_certificate ${certificate}; ssl_certificate_key ${key};
      root ${join(folder, 'www')};
      location / { sendfile on; add_header apim-request-id bench; }
    }`,
  )
  return {
    folder,
    certificate,
    upstream,
    startNginx: () =>
      nginx(
        folder,
        'proxy',
        0,
        ports.nginxPlain,
        `
    upstream plain { server 127.0.0.1:${ports.plain}; keepalive 64; keepalive_requests 100000000; }
    upstream tls { server localhost:${ports.tls}; keepalive 64; keepalive_requests 100000000; }
    server { listen 127.0.0.1:${ports.nginxPlain}; location / { proxy_pass http://plain; ${shared} } }
    server { listen 127.0.0.1:${ports.nginxTls}; location / { proxy_pass https://tls; proxy_ssl_verify off; proxy_ssl_session_reuse on; ${shared} } }`,
      ),
  }
}

const shared = 'proxy_http_version 1.1; proxy_set_header Connection "";'

async function nginx(
  folder: string,
  name: string,
  core: number,
  port: number,
  servers: string,
): Promise<Measured> {
  const file = join(folder, `${name}.conf`)
  writeFileSync(
    file,
    `
  daemon off; master_process off; pid ${join(folder, `${name}.pid`)}; error_log ${join(folder, `${name}.log`)};
  events { worker_connections 4096; }
  http {
    access_log off; default_type application/octet-stream; keepalive_requests 100000000;
    client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
    ${servers}
  }`,
  )
  return start(['nginx', '-c', file], { core, port })
}
