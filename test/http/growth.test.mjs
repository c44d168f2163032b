// How the soak tells a leak from memory that has come to rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsGrowing } from '../soak/growth.mjs';

const samples = (memory) => Array.from({ length: 100 }, (_, i) => memory(i / 100));
const grows = (memory) => keepsGrowing(samples(memory), { step: 500 });

test('a leak is growth, however jagged', () => {
  assert.ok(grows((time) => 30000 + 20000 * time));
  assert.ok(grows((time) => 30000 + 3000 * time));
  assert.ok(grows((time) => 30000 + 20000 * time + ((time * 1000) % 7 < 2 ? 70000 : 0)));
});

test('a plateau is none, whenever it is reached', () => {
  assert.ok(!grows(() => 88000));
  assert.ok(!grows((time) => 33000 + 55000 * Math.min(1, 2 * time)));
  assert.ok(!grows((time) => 88000 - 55000 * Math.exp(-8 * time)));
});

test('one large plan is none, nor is what is given back', () => {
  assert.ok(!grows((time) => (time < 0.9 ? 30000 : 100000)));
  assert.ok(!grows((time) => (time > 0.4 && time < 0.5 ? 100000 : 30000)));
  assert.ok(!grows((time) => 60000 - 20000 * time));
});

test('too few samples say nothing', () => {
  assert.ok(!keepsGrowing([1, 1000, 2000, 3000, 4000, 5000, 6000], { step: 1 }));
});
