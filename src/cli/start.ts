#!/usr/bin/env node
import { makeRequire } from "./scripts.ts"

/* Starts the program, which is beside this file. */
makeRequire(__dirname, require)("./program.cjs")
