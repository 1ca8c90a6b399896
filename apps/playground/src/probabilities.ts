/** @file The ten bars, and the digit that wins. */

export interface Probabilities {
  /** `null`: nothing is drawn. */
  show(values: readonly number[] | null): void;
}

export function openProbabilities(list: HTMLElement, verdict: HTMLElement, detail: HTMLElement): Probabilities {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const row = document.createElement('li');
    const [label, track, bar, percent] = ['span', 'div', 'div', 'span'].map((tag) => document.createElement(tag));
    label!.textContent = String(digit);
    track!.className = 'track';
    track!.setAttribute('role', 'meter');
    track!.setAttribute('aria-label', `Digit ${digit}`);
    track!.setAttribute('aria-valuemin', '0');
    track!.setAttribute('aria-valuemax', '1');
    percent!.className = 'percent';
    track!.append(bar!);
    row.append(label!, track!, percent!);
    list.append(row);
    return { row, track: track!, bar: bar!, percent: percent! };
  });

  const show = (values: readonly number[] | null): void => {
    const best = values === null ? -1 : values.indexOf(Math.max(...values));
    for (const [digit, { row, track, bar, percent }] of rows.entries()) {
      const value = values?.[digit] ?? 0;
      row.classList.toggle('best', digit === best);
      track.setAttribute('aria-valuenow', String(value));
      bar.style.setProperty('--part', String(value));
      percent.textContent = values === null ? '' : `${(100 * value).toFixed(1)} %`;
    }
    verdict.classList.toggle('none', best < 0);
    verdict.textContent = best < 0 ? '–' : String(best);
    detail.textContent = best < 0 ? 'nothing drawn yet' : describe(values![best]!);
  };
  show(null);
  return { show };
}

function describe(probability: number): string {
  if (probability > 0.95) return 'quite sure';
  return probability > 0.6 ? 'probably' : 'just a guess';
}
