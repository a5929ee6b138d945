// One page with every picture that the stories have taken.
import { readdir, writeFile } from 'node:fs/promises'

const { PICTURES } = process.env

const figure = (name) => `<figure><figcaption>${name.replace('.png', '')}</figcaption><img src="${name}" alt="" loading="lazy"></figure>`

const page = (names) => `<!doctype html>
<meta charset="utf-8">
<title>The console, as its stories saw it</title>
<style>
  body { font: 14px system-ui; margin: 24px; display: grid; gap: 24px; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); }
  figure { margin: 0 }
  img { max-width: 100%; max-height: 420px; border: 1px solid #ccc }
</style>
${names.map(figure).join('\n')}
`

export async function writeGallery() {
  const names = (await readdir(PICTURES)).filter((name) => name.endsWith('.png')).sort()
  await writeFile(`${PICTURES}/index.html`, page(names))
}
