/* The licences of what a build has put into dist, which each asks to be passed on. */
import { readdirSync, readFileSync } from "node:fs"

/** The folder of the package that a bundled file belongs to, or null for a file of the project itself. */
const packageOf = (input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null

const licenceOf = (folder) => {
  const { author, license, name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"))
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  const holder = typeof author === "object" ? author.name : author
  const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim())
  const body = texts.length > 0 ? texts.join("\n\n") : `${license}${holder ? `, by ${holder}` : ""}`
  return `${name} ${version} (${license})\n\n${body}\n`
}

/**
 * One text with the licence of every bundled package, in the order of their names.
 * @param metafiles what esbuild says of each build
 */
export const licencesOf = (metafiles) => {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = new Set(inputs.map(packageOf).filter((folder) => folder !== null))
  return [...folders]
    .sort()
    .map(licenceOf)
    .join(`\n${"-".repeat(80)}\n\n`)
}
