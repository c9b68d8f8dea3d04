import { element, make } from './element.ts';

/** The text as it grows; the newest piece fades in. */
export interface Story {
  begin(prompt: string): void;
  add(text: string): void;
  end(): void;
}

export function createStory(): Story {
  const place = element('story', HTMLElement);
  const atEnd = () => place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  return {
    begin(prompt) {
      place.replaceChildren(make('span', { className: 'given' }, prompt));
      place.classList.add('writing');
    },
    add(text) {
      // Whoever has scrolled up to read is left there.
      const follow = atEnd();
      place.append(make('span', { className: 'fresh' }, text));
      if (follow) place.scrollTop = place.scrollHeight;
    },
    end() {
      place.classList.remove('writing');
      place.normalize();
    },
  };
}
