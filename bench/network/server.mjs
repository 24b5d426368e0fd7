// An HTTP server on loopback for the bench: /N answers with N bytes, a POST with what it was sent. Writes its port, and ends with its input.
import { createServer } from 'node:http';

const block = Buffer.alloc(1 << 16, 'x');
const server = createServer((request, response) => {
  if (request.method === 'POST') {
    response.writeHead(200, { 'content-length': request.headers['content-length'] });
    return request.pipe(response);
  }
  let left = Number(request.url.slice(1)) || 0;
  response.writeHead(200, { 'content-length': left });
  const more = () => {
    while (left > 0) {
      const part = left < block.length ? block.subarray(0, left) : block;
      left -= part.length;
      if (!response.write(part) && left > 0) return response.once('drain', more);
    }
    response.end();
  };
  more();
});
server.keepAliveTimeout = 60_000;
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
