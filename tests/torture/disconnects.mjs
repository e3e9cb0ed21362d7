// SPDX-License-Identifier: Apache-2.0
// The trial of broken connections alone: node tests/torture/disconnects.mjs [--count N] [--seed N]
import { runStories } from '../lib/story.mjs';
import { seed } from './lib/seed.mjs';
import './trials/disconnects.mjs';

console.log(`seed ${seed}`);
const { failed } = await runStories();
process.exit(failed ? 1 : 0);
