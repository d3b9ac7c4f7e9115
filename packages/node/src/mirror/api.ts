/** The `@instar/node/mirror` entry: repositories of files and what can be carried by hand, without loading a peer. */
export { createDirectoryFetcher } from './directory-fetcher.js'
export { createHttpFetcher, type HttpFetcherInit } from './http-fetcher.js'
