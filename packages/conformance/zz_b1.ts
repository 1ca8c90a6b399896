import { exp32 } from '../backend-cpu/src/kernels/exponential.ts';
import '@flambeau/backend-cpu';
import * as T from '@flambeau/tensor';
const N=1_000_000;
const x=new Float32Array(N).map(()=>-Math.random()*8), y=new Float32Array(N);
const big=T.fromTypedArray(x,[1000,1000]);
function rowA(x:Float32Array,from:number,y:Float32Array,to:number,size:number){
  let g=-Infinity; for(let i=0;i<size;i++) if(!(x[from+i]!<=g)) g=x[from+i]!;
  let total=0; for(let i=0;i<size;i++){ const p=exp32(x[from+i]!-g); total+=p; y[to+i]=p; }
  const s=1/total; for(let i=0;i<size;i++) y[to+i]=y[to+i]!*s;
}
const pow2=Float64Array.from({ length: 320 }, (_, i) => 2 ** (i - 160));
const rounder=1.5*2**52;
function rowB(x:Float32Array,from:number,y:Float32Array,to:number,size:number){
  let g=-Infinity; for(let i=0;i<size;i++) if(!(x[from+i]!<=g)) g=x[from+i]!;
  let total=0; for(let i=0;i<size;i++){ const v=Math.max(x[from+i]!-g,-104);
    const k=v*Math.LOG2E+rounder-rounder; const r=v-k*Math.LN2;
    const p=(1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040))))))))*pow2[k+160]!;
    total+=p; y[to+i]=p; }
  const s=1/total; for(let i=0;i<size;i++) y[to+i]=y[to+i]!*s;
}
const run:any={lib:()=>big.softmax(1), A:()=>{for(let r=0;r<1000;r++) rowA(x,r*1000,y,r*1000,1000);}, B:()=>{for(let r=0;r<1000;r++) rowB(x,r*1000,y,r*1000,1000);}};
const best:any={};
for(let rep=0;rep<8;rep++) for(const n of Object.keys(run)) for(let i=0;i<15;i++){const t=performance.now(); run[n](); best[n]=Math.min(best[n]??1e9,performance.now()-t);}
console.log(best);
