import { linalg, randn, manualSeed, eye } from 'flambeau';
manualSeed(0);
for (const n of [10, 100, 300]) {
  const a = randn(n,n); const s=a.matmul(a.mT).add(eye(n));
  for (const [name,f] of Object.entries({chol:()=>linalg.cholesky(s),lu:()=>linalg.lu(a),inv:()=>linalg.inv(a),qr:()=>linalg.qr(a),eigh:()=>linalg.eigh(s),svd:()=>linalg.svd(a),svdvals:()=>linalg.svdvals(a),eig:()=>linalg.eig(a),eigvals:()=>linalg.eigvals(a)})) {
    f(); if (n<=100) f(); const t=performance.now(); f(); console.log(n,name,(performance.now()-t).toFixed(2),'ms');
  }
}
