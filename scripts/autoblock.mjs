#!/usr/bin/env node
// Starts autoblock from a checkout or from an installed package. This file has to be understood by a Node that is far
// too old, or the operator would see a syntax error instead of a sentence: no static import, no modern syntax.

const LEAST_NODE = [20, 19];
const EXIT_USAGE = 2;

const running = process.versions.node.split('.').map(Number);
const oldEnough = running[0] > LEAST_NODE[0] || (running[0] === LEAST_NODE[0] && running[1] >= LEAST_NODE[1]);

if (oldEnough) {
  import('./bootstrap.mjs')
    .then(function (bootstrap) {
      return bootstrap.start(process.argv.slice(2));
    })
    .then(
      function (exitCode) {
        process.exitCode = exitCode;
      },
      function (error) {
        // Errors of the bootstrap speak to the operator and name their exit code; anything else is a defect: show it all.
        const expected = typeof error.exitCode === 'number';
        process.stderr.write(
          'autoblock: ' + (expected ? error.message : error.stack || String(error)) + '\n',
        );
        process.exitCode = expected ? error.exitCode : 1;
      },
    );
} else {
  process.stderr.write(
    'autoblock: this is Node ' +
      process.versions.node +
      ', but Node ' +
      LEAST_NODE.join('.') +
      ' or newer is needed. Install Node 22 or 20, for example from https://nodejs.org/en/download\n',
  );
  process.exitCode = EXIT_USAGE;
}
