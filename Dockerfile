# syntax=docker/dockerfile:1
#
# cfile on Node 24. docs/deploy-docker.md says how to build and run it.
#
#   docker build -t cfile .
#   docker run --env-file .env -p 8787:8787 cfile

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The bundler's binary is a package of its own, so no install script has to run.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/bundle.ts

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Everything that ships, in the versions of the lock file, and the Redis client, which is an optional peer dependency.
RUN npm install --omit=dev --save-prod --ignore-scripts --no-audit --no-fund \
  "redis@$(node -p 'require("./package.json").devDependencies.redis')"

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
  HOST=0.0.0.0 \
  PORT=8787 \
  CFILE_DATA_DIR=/data
WORKDIR /app
# Only the data folder is written to, and only by the default store (SQLite) or an `fs:` archive below it.
RUN install --directory --owner=1000 --group=1000 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY --from=build /build/dist ./dist
# The user `node` of the image, by number, so that Kubernetes can see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1 and gets SIGTERM: npm or a shell would not pass it on.
# The size of V8's young heap is set, as in the first line of src/cli.ts.
ENTRYPOINT ["node", "--min-semi-space-size=4", "--max-semi-space-size=4", "dist/cli.js"]
CMD ["serve"]
