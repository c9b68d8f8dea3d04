/** The page's own files: the build writes them in place of this one. */
const files = ['./'];
const cacheName = 'lowbit-page';

addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.addAll(files))
      .then(() => skipWaiting()),
  );
});

addEventListener('activate', (event) => event.waitUntil(clients.claim()));

/** The network's copy where there is one, so that a new version is seen at once; models pass by. */
addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || request.headers.has('range') || request.url.includes('/models/')) return;
  event.respondWith(
    fetch(request)
      .then(async (response) => {
        if (response.ok) await (await caches.open(cacheName)).put(request, response.clone());
        return response;
      })
      .catch(async (error) => {
        const kept = await caches.match(request, { ignoreSearch: true });
        if (kept) return kept;
        throw error;
      }),
  );
});
