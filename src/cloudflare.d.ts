/** The part of workerd's module that `workers.ts` uses. The published types would add all globals of workerd. */
declare module 'cloudflare:workers' {
  export function waitUntil(work: Promise<unknown>): void
}
