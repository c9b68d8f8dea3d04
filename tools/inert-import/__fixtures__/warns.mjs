console.warn('careful');
