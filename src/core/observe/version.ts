/**
 * The version of the package.
 *
 * @module
 */

/** The version in package.json. It is repeated here so that no bundler has to read that file. */
export const version = '0.2.0'
