/*
 * Loaded into the program and each of its threads (`node --require`): ends the thread that writes pages in the middle of
 * a transaction. PARLEY_END_THREAD holds how, and in which transaction, from 1: `exit 3` as if it were terminated,
 * `throw 3` by a fault that nothing catches.
 */
const { isMainThread } = require("node:worker_threads")
const Sqlite = require("./sqlite.cjs")

const [how = "", number = "0"] = (process.env.PARLEY_END_THREAD ?? "").split(" ")
let left = Number(number)

const { transaction } = Sqlite.prototype
if (!isMainThread && left > 0) {
  Sqlite.prototype.transaction = function (work) {
    return transaction.call(this, function (...args) {
      const result = work.apply(this, args)
      left -= 1
      if (left === 0 && how === "exit") process.exit(7)
      // Thrown where nobody expects it: not by the transaction, but while its result is on its way.
      if (left === 0)
        process.nextTick(() => {
          throw new Error("a fault of the thread")
        })
      return result
    })
  }
}
