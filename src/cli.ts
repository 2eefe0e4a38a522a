#!/usr/bin/env node
/**
 * The door for the command line: the `cfile` binary.
 *
 * @module
 */

import { runCommand } from './cli/command.ts'

process.exitCode = await runCommand(process.argv.slice(2))
