/**
 * The version of the package.
 *
 * @module
 */

/** As in package.json, which no bundler has to be asked for. */
export const version = '0.2.0'
