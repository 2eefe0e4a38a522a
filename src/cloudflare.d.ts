/** The part of workerd's own module that the Worker's door uses; the published types would bring all of its globals. */
declare module 'cloudflare:workers' {
  export function waitUntil(work: Promise<unknown>): void
}
