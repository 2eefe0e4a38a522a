#!/usr/bin/env node
/**
 * Entry point of the command line: the `cfile` binary.
 *
 * @module
 */

import { runCommand } from './cli/command.ts'

process.exitCode = await runCommand(process.argv.slice(2))
