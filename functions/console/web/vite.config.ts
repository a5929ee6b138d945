import { defineConfig } from 'vite'

export default defineConfig({
  base: '/console/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    // A page whose policy allows no inline script cannot have inline files either.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Tells which files are loaded before the first picture.
    manifest: 'manifest.json',
    rolldownOptions: {
      output: {
        // Few files compress better than many, and the libraries' one stays as it is from release to release.
        // Supabase's clients come after the first picture. Who operates the mirror goes from page to page: these are one file.
        codeSplitting: {
          // Else what these pages share with the first one would move to them.
          includeDependenciesRecursively: false,
          groups: [
            { name: 'libraries', test: /node_modules.(?!@supabase.(auth|realtime|phoenix))/ },
            { name: 'operations', test: /web.src.(sync|issues|events|health|activity|plots)/ },
          ],
        },
      },
    },
  },
})
