// SPDX-License-Identifier: Apache-2.0
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["build/", "dist/", "src/generated/", "eslint.config.js"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: ["tsconfig.json", "tsconfig.programs.json"] } },
    // Enums that come over the wire are numbers.
    rules: { "@typescript-eslint/no-unsafe-enum-assignment": "off" },
  },
);
