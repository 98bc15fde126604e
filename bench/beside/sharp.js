// The npm package iiif-processor as an HTTP server: NODE_PATH=DIR/node_modules node sharp.js PORT FOLDER
// As documented, it is given a stream of the whole file; here sharp opens the file itself, which is the best that it can do.
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const { Processor } = require('iiif-processor');
// The one that it uses itself, where there are several.
const sharp = require(require.resolve('sharp', { paths: [path.dirname(require.resolve('iiif-processor'))] }));

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const version = `sharp/${sharp.versions.sharp || 'of an unknown version'}`;
sharp.concurrency(1);
sharp.cache(false);

// Sizes of the levels of a file, read once.
const known = new Map();
async function sizes(id) {
  if (!known.has(id)) {
    const file = path.join(folder, path.basename(id));
    const first = await sharp(file, { limitInputPixels: false }).metadata();
    const levels = [{ width: first.width, height: first.height }];
    for (let page = 1; page < (first.pages || 1); page++) {
      const level = await sharp(file, { limitInputPixels: false, page }).metadata();
      levels.push({ width: level.width, height: level.height });
    }
    known.set(id, levels);
  }
  return known.get(id);
}

// What stands for a stream: when it is to be read, the pipeline is told the file's name instead.
async function open({ id }) {
  const file = path.join(folder, path.basename(id));
  await fs.promises.access(file);
  return {
    pipe(pipeline) {
      const { input } = pipeline.options;
      input.file = file;
      delete input.buffer;
      delete input.stream;
      pipeline._isStreamInput = () => false;
      return pipeline;
    },
    on() { return this; },
    once() { return this; },
    destroy() {},
  };
}

http.createServer(async (request, response) => {
  response.setHeader('Server', version);
  try {
    const url = `http://${request.headers.host}${request.url}`;
    const answer = await new Processor(url, open, { dimensionFunction: ({ id }) => sizes(id) }).execute();
    if (answer.type === 'content') {
      response.writeHead(200, { 'Content-Type': answer.contentType, 'Content-Length': Buffer.byteLength(answer.body) });
      response.end(answer.body);
    } else if (answer.type === 'redirect') {
      response.writeHead(303, { Location: answer.location });
      response.end();
    } else {
      response.writeHead(answer.statusCode || 500);
      response.end(String(answer.message));
    }
  } catch (error) {
    response.writeHead(error.statusCode || 500);
    response.end(String(error.message || error));
  }
}).listen(port, '127.0.0.1');
