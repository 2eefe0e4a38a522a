export default {
  async fetch(request, env) {
    return fetch(env.UPSTREAM + new URL(request.url).pathname)
  },
}
