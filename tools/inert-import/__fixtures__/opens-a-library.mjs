try {
  process.dlopen({ exports: {} }, '/nowhere.node');
} catch {}
