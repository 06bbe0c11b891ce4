// A replica of npm `libsql` in a process of its own: its calls block. Told by messages `{ id, call, argument }`.
import Database from "libsql";

let database;

const calls = {
  open({ path, url }) {
    database = new Database(path, { syncUrl: url, offline: true, authToken: "none" });
  },
  exec: (sql) => void database.exec(sql),
  sync: () => void database.sync(),
  close: () => void database.close(),
};

process.on("message", ({ id, call, argument }) => {
  try {
    calls[call](argument);
    process.send({ id });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
