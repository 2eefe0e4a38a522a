/**
 * The settings in the output of `cfile help serve`. Written by `npm run settings`.
 *
 * @module
 */

/** The settings in groups: a title, then a line for each setting with its name, its sentence and its default. */
export const settingsHelp: string = `The upstream
AZURE_OPENAI_ENDPOINT The Azure OpenAI resource or Foundry project, in any form that people paste. Default: the emulator.
AZURE_OPENAI_API_KEY A key of that resource; without one, cfile signs in with Entra ID.
AZURE_OPENAI_API_VERSION The api-version that is sent with each call, v1 or preview. Default: none.
CFILE_UPSTREAMS Several resources or regions, as a JSON list of {name, endpoint, api_key?, …}.
CFILE_ALLOWED_HOSTS Hosts other than Azure's that an endpoint may be on, such as an API Management instance. Default: none.
AZURE_TENANT_ID The tenant of the app registration that cfile signs in as.
AZURE_CLIENT_ID The id of that app registration, or of a user-assigned managed identity.
AZURE_CLIENT_SECRET The secret of the app registration.
AZURE_CLIENT_CERTIFICATE_PATH In place of the secret: a PEM file with the app's certificate and its key.
AZURE_FEDERATED_TOKEN_FILE In place of the secret: a file with the app's token, for workload identity.
AZURE_AUTHORITY_HOST The authority that issues the tokens of an app. Default: by the endpoint's cloud.
AZURE_OPENAI_SCOPE The scope of the tokens. Default: by the endpoint's host.
IDENTITY_ENDPOINT The managed identity of App Service, Functions and Container Apps, set there by Azure.
IDENTITY_HEADER The secret of that endpoint, set there by Azure.
AZURE_POD_IDENTITY_AUTHORITY_HOST The address of the machine's managed identity, which is used if nothing else is set. Default: http://169.254.169.254.

Callers
CFILE_API_KEYS Callers' keys of 16 characters or more, by their owners; the owner * is an admin.
CFILE_JWKS_URL The URL of the public keys (JWKS) that verify callers' JWTs. A server starts only if they can be fetched.
CFILE_JWT_ISSUER The iss that a token must have. Default: any.
CFILE_JWT_AUDIENCE The aud that a token must have. Default: any.
CFILE_JWT_OWNER_CLAIM The claim that names the owner. Default: sub.

Links and captures
CFILE_CAPTURES With caller auth, response_id refuses posted answers and takes only ids of responses. Default: any.
CFILE_TRUST_UNRECORDED With caller auth, 1 gives an object without an owner to the first caller who names it. Default: 0.
CFILE_SIGNING_KEYS The keys that sign links, of 32 bytes or more: the first signs, all verify; Workers need one. Default: a new key at each start.
CFILE_PUBLIC_URL The base of every link, which is never taken from a request. Default: http://127.0.0.1:8787.
CFILE_CORS_ORIGINS Origins whose pages may fetch() links, files, captures and the OpenAI routes. Default: none.
CFILE_LINK_TTL Seconds that a link lives. Default: 3600.
CFILE_LINKS annotate adds a download_url to file annotations, rewrite also replaces sandbox: links, off changes nothing. Default: annotate.
CFILE_SWEEP 1 lists the container after each answer and records the files that it does not cite. Default: 0.
CFILE_INLINE_IMAGES link replaces data: pictures by links where it is certain which file they are. Default: keep.
CFILE_HEAL 1 repeats a request that fails because its container has expired, with a new one that holds the archived files. Default: 0.

Records
CFILE_STORE Where records are kept: memory:, sqlite:PATH, redis://…, d1:BINDING, kv:BINDING. Default: sqlite: in the data folder; on Workers the first bound of D1 and KV.

Copies
CFILE_ARCHIVE Where copies are kept that outlive the containers: off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob: and the URL of a blob container, r2:BINDING. Default: off.
AWS_ACCESS_KEY_ID The access key for an s3: archive.
AWS_SECRET_ACCESS_KEY The secret of that access key.
AWS_SESSION_TOKEN The session token of a temporary access key.
AZURE_STORAGE_KEY The account key for an azblob: archive whose URL has no SAS; without it, Entra ID.
CFILE_ARCHIVE_MODE eager copies a file when it is cited, lazy on its first download. Default: eager.
CFILE_ARCHIVE_CONCURRENCY Copies that are made at the same time. Default: 4.
CFILE_ARCHIVE_TTL Seconds that a copy is kept; 0 keeps it for ever. Default: 0.

Webhooks
CFILE_WEBHOOK_SECRETS The secrets of Azure's webhooks; with one, POST /webhooks is served.
CFILE_WEBHOOK_OWNER With caller auth, the owner of responses that a webhook names and that have no record. Default: such responses are ignored.

The process
CFILE_ALLOW_ANONYMOUS 1 lets everybody who can reach cfile fetch files, also beyond this machine. Default: 0.
CFILE_DATA_DIR The folder of the default store. Default: .cfile.
HOST The address to listen on. Default: 127.0.0.1.
PORT The port to listen on; 0 takes a free one. Default: 8787.
CFILE_SHUTDOWN_TIMEOUT_MS Milliseconds that running downloads may take after SIGTERM. Default: 30000.
CFILE_SHUTDOWN_DELAY_MS Milliseconds for which /readyz says 503 before the server stops listening. Default: 0.
LOG_LEVEL The least level that is logged. Default: info.
LOG_FORMAT json writes one object a line, pretty is for people. Default: json.
CFILE_ACCESS_LOG 0 writes no log line for requests. Default: 1.

Limits and times
CFILE_MAX_FILE_BYTES The largest file that is served or uploaded, in bytes. Default: 1073741824.
CFILE_MAX_BODY_BYTES The largest JSON body that is read, in bytes. Default: 67108864.
CFILE_MAX_REQUESTS_PER_MINUTE Requests of one owner in a minute; more get 429. Each instance counts for itself. Default: no limit.
CFILE_MAX_DOWNLOADS Downloads of one owner at a time; more get 429. Default: no limit.
CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR Bytes that one owner may download in an hour; more get 429. Default: no limit.
CFILE_UPSTREAM_TIMEOUT_MS Milliseconds to the upstream's headers, for files and metadata. Default: 60000.
CFILE_GENERATION_TIMEOUT_MS Milliseconds to the upstream's headers, for every other request of an SDK. Default: 600000.
CFILE_IDLE_TIMEOUT_MS Milliseconds between two bytes of a file, from the upstream and to the client. Default: 60000.
CFILE_STREAM_IDLE_TIMEOUT_MS Milliseconds between two bytes of an event stream, which is silent while code runs. Default: 600000.

The command line
CFILE_URL The gateway to which the commands send their requests. Default: Azure itself.
CFILE_KEY The key that the commands send to that gateway.
`
