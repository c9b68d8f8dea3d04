import { describe, expect, it } from 'vitest';
import { createTestServer } from '../test-support/call.ts';

const bodyRoutes = ['/generate', '/abort_request', '/v1/completions', '/v1/chat/completions'];

describe.each(bodyRoutes)('POST %s with a bad body', (path) => {
  const { post, request } = createTestServer({}, { maxBodyBytes: 1000 });
  const isOpenAi = path.startsWith('/v1/');
  const errorOf = (message: unknown, param: string | null = null) => ({
    error: isOpenAi ? { message, type: 'invalid_request_error', param, code: null } : { message },
  });

  it.each(['', '{', '{"text":', 'not json', '{"text": "a"} x', '\u0000', "{'text': 'a'}"])('%j', async (body) => {
    const { status, json } = await post(path, body);
    expect(status).toBe(400);
    expect(json).toEqual(errorOf(expect.stringMatching(/^the body is not valid JSON: /)));
  });

  it.each([
    ['null', 'null'],
    ['[]', 'a list'],
    ['5', 'a number'],
    ['"text"', 'a string'],
  ])('%s', async (body, found) => {
    const { status, json } = await post(path, body);
    expect(status).toBe(400);
    expect(json).toEqual(errorOf(`the body must be a JSON object, found ${found}`));
  });

  it('bytes that are no UTF-8', async () => {
    const headers = { 'content-type': 'application/json' };
    const { status, json } = await request(path, { method: 'POST', headers, body: new Uint8Array([0x7b, 0xff, 0x7d]) });
    expect(status).toBe(400);
    expect(json).toEqual(errorOf(expect.stringMatching(/^the body cannot be read: /)));
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])('as %s', async (type) => {
    const { status, json } = await post(path, '{}', { 'content-type': type });
    expect(status).toBe(400);
    const remedy = 'Send the header Content-Type: application/json';
    expect(json).toEqual(errorOf(`expected content type application/json, found "${type}"\n${remedy}`));
  });

  it('over the size limit', async () => {
    const { status, json } = await post(path, JSON.stringify({ text: 'x'.repeat(1000) }));
    expect(status).toBe(413);
    expect(json).toEqual(errorOf('the body is larger than 1000 bytes'));
  });

  it('without its fields', async () => {
    const { status, json } = await post(path, {});
    expect(status).toBe(400);
    expect(json.error.message).toMatch(/^(text or input_ids|rid or abort_all|prompt|messages): /);
  });

  it('nested a hundred thousand deep', async () => {
    const server = createTestServer();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const { status, json } = await server.post(path, `{"rid": ${deep}}`);
    expect(status).toBe(400);
    expect(json).toEqual(errorOf('the body is nested deeper than 64 levels'));
  });
});

describe('routes', () => {
  const { get, post, request } = createTestServer();

  it('answers an unknown one with 404 in the shape of its API', async () => {
    const native = await get('/nowhere');
    expect([native.status, native.json]).toEqual([404, { error: { message: 'no route GET /nowhere' } }]);
    const openAi = await get('/v1/embeddings');
    const error = { message: 'no route GET /v1/embeddings', type: 'invalid_request_error', param: null, code: null };
    expect([openAi.status, openAi.json]).toEqual([404, { error }]);
  });

  it.each([
    ['GET', '/generate', 'POST, PUT'],
    ['POST', '/health', 'GET'],
    ['GET', '/abort_request', 'POST'],
    ['DELETE', '/flush_cache', 'GET, POST'],
    ['GET', '/v1/completions', 'POST'],
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/models/echo-4bit', 'GET'],
  ])('answers %s %s with 405 and what is allowed', async (method, path, allowed) => {
    const { status, headers, json } = await request(path, { method });
    expect(status).toBe(405);
    expect(headers.get('allow')).toBe(allowed);
    expect(json.error.message).toContain(`takes ${allowed.replace(', ', ' or ')}, not ${method}`);
  });

  it.each(['/model_info', '/get_model_info'])('GET %s says how the model is quantized', async (path) => {
    const { status, json } = await get(path);
    expect(status).toBe(200);
    expect(json).toEqual({
      model_path: '/models/echo-4bit',
      tokenizer_path: '/models/echo-4bit',
      served_model_name: 'echo-4bit',
      is_generation: true,
      preferred_sampling_params: null,
      weight_version: 'default',
      has_image_understanding: false,
      has_audio_understanding: false,
      model_type: 'echo',
      architectures: ['EchoForCausalLM'],
      context_length: 64,
      vocab_size: 256,
      has_chat_template: true,
      quantization: {
        method: 'awq',
        schemes: ['w4a16'],
        backend: 'cpu:reference',
        device: 'made up',
        numerics: 'faithful',
      },
      memory: { weights: 1000, kv_cache: 500 },
      warnings: [],
    });
  });

  it.each(['/server_info', '/get_server_info'])('GET %s tells options and load', async (path) => {
    const server = createTestServer({}, { serverInfo: { device: 'cpu', version: '1.2.3' } });
    const { status, json } = await server.get(path);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      device: 'cpu',
      version: '1.2.3',
      max_total_num_tokens: 256,
      internal_states: [{ num_running_reqs: 0, num_waiting_reqs: 0, num_used_tokens: 0 }],
    });
  });

  it.each(['GET', 'POST'])('%s /flush_cache says that there is nothing to flush', async (method) => {
    const { status, text } = await request('/flush_cache', { method });
    expect([status, text]).toEqual([200, 'Nothing to flush: this server keeps no prefix cache.\n']);
  });

  it('GET /v1/models lists the one model', async () => {
    const { json } = await get('/v1/models');
    const model = {
      id: 'echo-4bit',
      object: 'model',
      created: expect.any(Number),
      owned_by: 'lowbit',
      root: 'echo-4bit',
      parent: null,
      max_model_len: 64,
    };
    expect(json).toEqual({ object: 'list', data: [model] });
    expect((await get('/v1/models/echo-4bit')).json).toEqual(model);
  });

  it('GET /v1/models/{id} takes names with slashes', async () => {
    const server = createTestServer({}, { servedModelName: 'org/model' });
    expect((await server.get('/v1/models/org/model')).json.id).toBe('org/model');
    expect((await server.get('/v1/models/org%2Fmodel')).json.id).toBe('org/model');
  });

  it('GET /v1/models/{id} answers another name with 404', async () => {
    const { status, json } = await get('/v1/models/gpt');
    const message = 'the model "gpt" does not exist here; this server has "echo-4bit"';
    expect(status).toBe(404);
    expect(json).toEqual({
      error: { message, type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
    });
  });

  it('POST /abort_request is no error for an unknown id, and an empty answer', async () => {
    const { status, text } = await post('/abort_request', { rid: 'gone', abort_all: false });
    expect([status, text]).toEqual([200, '']);
  });

  it('logs requests', async () => {
    const lines: unknown[] = [];
    const logger = { info: (fields: object, message: string) => lines.push([fields, message]), warn() {}, error() {} };
    const server = createTestServer({}, { logger });
    await server.get('/v1/models/x');
    expect(lines).toEqual([
      [{ method: 'GET', path: '/v1/models/x', status: 404, milliseconds: expect.any(Number) }, 'request'],
    ]);
  });
});

describe('API key', () => {
  const { get, post } = createTestServer({}, { apiKey: 'secret' });
  const paths = ['/health_generate', '/model_info', '/server_info', '/flush_cache', '/v1/models', '/nowhere'];

  it.each(paths)('is wanted at %s', async (path) => {
    const { status, headers, json } = await get(path);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    const message = 'an API key is needed: send Authorization: Bearer <key>';
    expect(json).toEqual({ error: { message, type: 'invalid_request_error', param: null, code: 'invalid_api_key' } });
  });

  it('is wanted before a body is read', async () => {
    expect((await post('/generate', '{')).status).toBe(401);
  });

  it.each(['Bearer wrong', 'Bearer secret2', 'Bearer secre', 'Basic secret', 'secret', 'Bearer '])(
    'is not %j',
    async (authorization) => {
      expect((await get('/v1/models', { authorization })).status).toBe(401);
    },
  );

  it('lets its holder in', async () => {
    expect((await get('/v1/models', { authorization: 'Bearer secret' })).status).toBe(200);
    expect((await get('/v1/models', { authorization: 'bearer secret' })).status).toBe(200);
  });

  it('is not wanted at /health', async () => {
    expect((await get('/health')).status).toBe(200);
  });

  it('cannot be empty', () => {
    expect(() => createTestServer({}, { apiKey: '' })).toThrow(
      'apiKey: expected some text, found ""\nLeave the option out to serve without a key.',
    );
  });
});

describe('health', () => {
  it('GET /health_generate generates one token from token 0', async () => {
    const { get, model } = createTestServer();
    expect((await get('/health_generate')).status).toBe(200);
    expect(model.seen[0]).toMatchObject({ prompt: [0], sampling: { maxTokens: 1, temperature: 0 } });
  });

  it('GET /health_generate is 503 when no token comes in time, and stops waiting for it', async () => {
    const { get, model } = createTestServer({ delay: 60 }, { healthTimeout: 10 });
    expect((await get('/health_generate')).status).toBe(503);
    await expect.poll(() => model.active).toBe(0);
    expect((await get('/flush_cache')).status).toBe(200);
  });

  it('GET /health_generate is 503 when the model fails', async () => {
    const { get } = createTestServer({ failure: new Error('broken') });
    expect((await get('/health_generate')).status).toBe(503);
  });
});
