import { describe, expect, it } from 'vitest';
import { erf32, exp32, sigmoid32, tanh32 } from '../src/compile/float32.ts';
import { pow, roundEven } from '../src/compile/helpers.ts';
import { igamma, igammac } from '../src/compile/incompleteGamma.ts';
import { i0, i0e, i1, i1e } from '../src/compile/modifiedBessel.ts';
import { digamma, erf, erfc, erfcx, erfinv, lgamma, ndtri, trigamma, zeta } from '../src/compile/special.ts';

// [x, f(x)], computed with 40 digits and rounded.
const functions = { erf, erfc, erfcx, erfinv, ndtri, lgamma, digamma, trigamma, i0, i0e, i1, i1e };
const exact: Record<keyof typeof functions, [number, number][]> = {
  erf: [
    [-5.5, -0.9999999999999927],
    [-1.2, -0.9103139782296353],
    [-0.3, -0.3286267594591274],
    [1e-10, 1.1283791670955126e-10],
    [0.46875, 0.49261347321793797],
    [0.5, 0.5204998778130465],
    [2, 0.9953222650189527],
    [3.9, 0.9999999652077514],
    [4.1, 0.9999999932999724],
  ],
  erfc: [
    [-3, 1.9999779095030015],
    [-0.4, 1.4283923550466684],
    [0.2, 0.7772974107895215],
    [0.9, 0.20309178757716786],
    [3, 2.209049699858544e-5],
    [4.5, 1.9661604415428876e-10],
    [9, 4.13703174651381e-37],
    [15, 7.212994172451207e-100],
    [26, 5.663192408856143e-296],
  ],
  erfinv: [
    [-0.999, -2.3267537655135246],
    [-0.4, -0.37080715859355795],
    [1e-9, 8.86226925452758e-10],
    [0.05, 0.044340387910005497],
    [0.1, 0.08885599049425769],
    [0.5, 0.4769362762044699],
    [0.9, 1.1630871536766743],
    [0.99999, 3.123413274341571],
    [0.9999999999999991, 5.686128441310391],
  ],
  lgamma: [
    [-4.3, -2.282970827716943],
    [-0.5, 1.2655121234846454],
    [1e-8, 18.42068073818021],
    [0.3, 1.0957979948180756],
    [0.75, 0.20328095143129538],
    [1.001, -0.0005763935982833062],
    [1.5, -0.12078223763524522],
    [1.9999, -4.227520877215346e-5],
    [2.25, 0.1248717148923966],
    [3.7, 1.428072326665388],
    [7.9, 8.32426586800881],
    [8.1, 8.72738826343204],
    [50, 144.5657439463449],
    [10000000000.0, 220258509288.81058],
  ],
  digamma: [
    [-7.3, 4.33730730551005],
    [-0.25, 2.9141391202135276],
    [1e-6, -1000000.5772140201],
    [0.2, -5.289039896592188],
    [1, -0.5772156649015329],
    [1.3, -0.16919088886679962],
    [2, 0.42278433509846713],
    [9.5, 2.1977378764029494],
    [10.5, 2.3030010342976865],
    [1000, 6.907255195648812],
  ],
  trigamma: [
    [-3.7, 14.84242186412428],
    [-0.5, 8.934802200544679],
    [0.0001, 100000001.64469367],
    [0.1, 101.43329915079275],
    [1, 1.6449340668482264],
    [2.5, 0.49035775610023485],
    [9.9, 0.1062830416287406],
    [20, 0.05127082293520312],
    [1000000.0, 1.0000005000001667e-6],
  ],
  erfcx: [
    [-5.0, 144009798674.66104],
    [-0.3, 1.4537492328427655],
    [0.2, 0.8090195199015807],
    [0.6, 0.567804717386587],
    [3.0, 0.17900115118138996],
    [50.0, 0.011281536265323773],
    [10000000000.0, 5.641895835477563e-11],
  ],
  ndtri: [
    [1e-20, -9.262340089798407],
    [0.01, -2.326347874040841],
    [0.3, -0.5244005127080408],
    [0.5, 0.0],
    [0.77, 0.7388468491852137],
    [0.999, 3.090232306167813],
  ],
  i0: [
    [-3.5, 7.3782034322254795],
    [0.0, 1.0],
    [0.0001, 1.0000000025],
    [29.5, 478144163888.0398],
    [31.0, 2089962966491.9038],
    [709.0, 1.231547706701654e306],
  ],
  i0e: [
    [-3.5, 0.22280243801077917],
    [20.0, 0.08978031188482602],
    [1000.0, 0.012617240455891257],
  ],
  i1: [
    [-3.5, -6.205834922258365],
    [0.0001, 5.00000000625e-5],
    [29.5, 469968885416.2773],
    [31.0, 2055972795294.5647],
    [709.0, 1.2306788896524786e306],
  ],
  i1e: [
    [-3.5, -0.18739997660305],
    [20.0, 0.08750622218328867],
    [1000.0, 0.012610930256928629],
  ],
};
const functionsOfTwo = { zeta, igamma, igammac };
const exactOfTwo: Record<keyof typeof functionsOfTwo, [number, number, number][]> = {
  zeta: [
    [2, -20.5, 9.82199434464988],
    [3, -1000.25, -62.01255286134892],
    [2, -1000000000.5, 9.869604400089358],
    [5, -30.125, -32766.58302083747],
    [3, -19.75, 62.013771944598155],
    [1.01, 1.0, 100.57794333849678],
    [2.0, 1.0, 1.6449340668482264],
    [3.5, 0.2, 280.13196083873333],
    [2.0, 30.0, 0.033895060357739946],
    [20.0, 1.5, 0.00030073966816718435],
  ],
  igamma: [
    [0.5, 0.1, 0.345279153981423],
    [2.0, 1.5, 0.4421745996289254],
    [10.0, 20.0, 0.9950045876916924],
    [300.0, 290.0, 0.2861755102943037],
  ],
  igammac: [
    [0.5, 0.1, 0.654720846018577],
    [2.0, 5.0, 0.040427681994512805],
    [10.0, 20.0, 0.004995412308307587],
    [300.0, 400.0, 7.507380835521614e-8],
  ],
};

describe('special functions in double precision', () => {
  for (const [name, rows] of Object.entries(exact)) {
    it(`${name} has a relative error below 1e-14`, () => {
      const f = functions[name as keyof typeof functions];
      for (const [x, y] of rows)
        expect(Math.abs(f(x) - y), `${name}(${x}) = ${f(x)}`).toBeLessThanOrEqual(1e-14 * Math.abs(y));
    });
  }

  for (const [name, rows] of Object.entries(exactOfTwo)) {
    it(`${name} has a relative error below 1e-13`, () => {
      const f = functionsOfTwo[name as keyof typeof functionsOfTwo];
      for (const [a, x, y] of rows) {
        expect(Math.abs(f(a, x) - y), `${name}(${a}, ${x}) = ${f(a, x)}`).toBeLessThanOrEqual(1e-13 * Math.abs(y));
      }
    });
  }

  it('have the limits and poles of PyTorch', () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    expect([erf(inf), erf(-inf), erf(nan), erf(-0)]).toEqual([1, -1, nan, -0]);
    expect([erfc(inf), erfc(-inf), erfc(nan)]).toEqual([0, 2, nan]);
    expect([erfinv(1), erfinv(-1), erfinv(1.1), erfinv(nan), erfinv(-0)]).toEqual([inf, -inf, nan, nan, -0]);
    expect([lgamma(0), lgamma(-3), lgamma(1), lgamma(2), lgamma(inf), lgamma(-inf), lgamma(nan)]).toEqual([
      inf,
      inf,
      0,
      0,
      inf,
      inf,
      nan,
    ]);
    expect([digamma(0), digamma(-0), digamma(-2), digamma(inf), digamma(nan)]).toEqual([-inf, inf, nan, inf, nan]);
    expect([trigamma(0), trigamma(-2), trigamma(inf), trigamma(-inf), trigamma(nan)]).toEqual([inf, inf, 0, nan, nan]);
    expect([erfcx(inf), erfcx(-inf), erfcx(0), erfcx(nan)]).toEqual([0, inf, 1, nan]);
    expect([ndtri(0), ndtri(1), ndtri(0.5), ndtri(-0.1), ndtri(nan)]).toEqual([-inf, inf, 0, nan, nan]);
    expect([i0(inf), i0(-inf), i0(nan), i1(inf), i1(-inf), i1(nan)]).toEqual([inf, inf, nan, inf, -inf, nan]);
    expect([i0e(inf), i1e(inf), i0e(nan), i1e(nan)]).toEqual([0, 0, nan, nan]);
    expect([zeta(1, 2), zeta(0.5, 2), zeta(2, 0), zeta(2, -3), zeta(2.5, -0.5), zeta(2, inf)]).toEqual([
      inf,
      nan,
      inf,
      inf,
      nan,
      0,
    ]);
    expect([igamma(0, 1), igamma(2, 0), igamma(2, inf), igamma(-1, 1), igamma(0, 0)]).toEqual([1, 0, 1, nan, nan]);
    expect([igammac(0, 1), igammac(2, 0), igammac(2, inf), igammac(-1, 1)]).toEqual([0, 1, 0, nan]);
  });
});

describe('functions for float32', () => {
  const inputs = Array.from({ length: 4000 }, (_, i) => Math.fround(Math.sin(i) * 10 ** (Math.cos(7 * i) * 3 - 0.5)));
  const near = (f: (x: number) => number, g: (x: number) => number, tolerance: number): void => {
    for (const x of inputs) {
      const [got, want] = [Math.fround(f(x)), Math.fround(g(x))];
      if (got !== want) expect(Math.abs(got - want), `at ${x}`).toBeLessThanOrEqual(tolerance * Math.abs(want));
    }
  };

  it('agree with double precision to the last place', () => {
    const ulp = 2 ** -23;
    near(exp32, Math.exp, ulp);
    near(tanh32, Math.tanh, ulp);
    near(sigmoid32, (x) => 1 / (1 + Math.exp(-x)), ulp);
    near(erf32, erf, ulp);
  });

  it('end where float32 does', () => {
    const inf = Number.POSITIVE_INFINITY;
    expect([exp32(inf), exp32(-inf), exp32(Number.NaN), exp32(0), exp32(800)]).toEqual([inf, 0, Number.NaN, 1, inf]);
    expect([Math.fround(exp32(-103)) > 0, Math.fround(exp32(88.7)) < inf, Math.fround(exp32(88.8))]).toEqual([
      true,
      true,
      inf,
    ]);
    expect([tanh32(inf), tanh32(-inf), tanh32(-0), tanh32(Number.NaN)]).toEqual([1, -1, -0, Number.NaN]);
    expect([erf32(inf), erf32(-inf), erf32(Number.NaN)]).toEqual([1, -1, Number.NaN]);
  });
});

it('roundEven rounds halves to even up to the last half', () => {
  const cases: [number, number][] = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-1.5, -2],
    [-0.2, -0],
    [-0, -0],
    [0.49999999999999994, 0],
    [2 ** 51 + 0.5, 2 ** 51],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [-(2 ** 51) - 0.5, -(2 ** 51)],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ];
  for (const [x, y] of cases) expect(roundEven(x), `round(${x})`).toBe(y);
});

it("pow follows C where JavaScript's ** does not", () => {
  expect([pow(1, Number.NaN), pow(1, Number.POSITIVE_INFINITY), pow(-1, Number.POSITIVE_INFINITY)]).toEqual([1, 1, 1]);
  expect([pow(Number.NaN, 0), pow(-8, 1 / 3), pow(0, -1)]).toEqual([1, Number.NaN, Number.POSITIVE_INFINITY]);
});
