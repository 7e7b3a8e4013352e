import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    modulePreload: false,
    rollupOptions: {
      external: ["/okta-auth.js"], // the library serves it
      output: { entryFileNames: "app.js", assetFileNames: "app[extname]" },
    },
  },
});
