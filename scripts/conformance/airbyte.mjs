// The connectors as Airbyte's own programs see them: npm run conformance (after npm run build). Installs PyAirbyte into a
// temporary virtual environment, which needs Python 3.10 to 3.12; see connectors.py.
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parse } from "yaml"

const packages = ["airbyte==0.71.3", "airbyte-protocol-models-pdv2==0.18.0"]
const dist = (name) => resolve("dist", name)
const folder = mkdtempSync(join(tmpdir(), "parley-airbyte-conformance-"))

const python = () => {
  const isRight = "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))"
  const found = ["python3.12", "python3.11", "python3.10", "python3"].find(
    (name) => spawnSync(name, ["-c", isRight]).status === 0
  )
  if (found === undefined) throw new Error("Python 3.10, 3.11 or 3.12 with its venv module is needed")
  return found
}

/** Starts the simulated providers; gives what they print of how to reach them. */
const simulate = () =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [dist("parley.js"), "simulate", "--conversations", "40"], {
      stdio: ["ignore", "pipe", "ignore"]
    })
    let text = ""
    child.on("exit", (code) => fail(new Error(`the simulator ended with ${code}`)))
    child.stdout.on("data", (piece) => {
      text += piece
      if (!/AELYST_TOKEN='[^']*'\n/.test(text)) return
      child.removeAllListeners("exit")
      done({ child, text })
    })
  })

const main = async () => {
  const venv = join(folder, "venv")
  execFileSync(python(), ["-m", "venv", venv])
  const patient = ["--retries", "10", "--timeout", "60", "--prefer-binary"]
  const install = ["install", "--quiet", "--disable-pip-version-check", ...patient, ...packages]
  execFileSync(join(venv, "bin/pip"), install, { stdio: ["ignore", "ignore", "inherit"] })
  const { child, text } = await simulate()
  try {
    const secrets = Object.fromEntries(
      [...text.matchAll(/^export (\w+)='([^']*)'$/gm)].map(([, name, value]) => [name, value])
    )
    mkdirSync(join(folder, "config"))
    const yaml = text.slice(text.indexOf("database:"), text.indexOf("# and set"))
    writeFileSync(join(folder, "config/parley.yaml"), yaml)
    const environment = { ...process.env, ...secrets, XDG_STATE_HOME: join(folder, "state") }
    execFileSync(process.execPath, [dist("parley.js"), "sync", "--quiet"], {
      cwd: folder,
      env: environment,
      stdio: ["ignore", "ignore", "inherit"]
    })
    const configs = Object.fromEntries(
      parse(yaml).connections.map(({ baseUrl, name, provider, ...keys }) => {
        const own = Object.entries(keys).map(([key, value]) => [key, secrets[/\$\{(\w+)\}/.exec(value)?.[1]]])
        const config = {
          provider: { provider, ...Object.fromEntries(own) },
          connection: name,
          base_url: baseUrl
        }
        return [name, config]
      })
    )
    const given = {
      source: dist("source-parley.js"),
      destination: dist("destination-parley.js"),
      mirror: join(folder, "parley.db"),
      folder,
      configs
    }
    const ran = spawnSync(join(venv, "bin/python"), [resolve("scripts/conformance/connectors.py")], {
      cwd: folder,
      env: environment,
      input: JSON.stringify(given),
      encoding: "utf8",
      maxBuffer: 2 ** 28
    })
    if (ran.status !== 0) throw new Error(`${ran.stdout.slice(-3000)}\n${ran.stderr.slice(-6000)}`)
    process.stdout.write(`${ran.stdout.trim().split("\n").at(-1)}\n`)
  } finally {
    child.kill()
  }
}

try {
  await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
