// Compiled against the packed declarations by check-pack.ts, with the declarations themselves checked too.
import * as autograd from '@flambeau/autograd';
import * as backendCpu from '@flambeau/backend-cpu';
import * as data from '@flambeau/data';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import * as serialize from '@flambeau/serialize';
import * as tensor from '@flambeau/tensor';
import * as vision from '@flambeau/vision';
import * as flambeau from 'flambeau';

export const packages = { autograd, backendCpu, data, nn, optim, serialize, tensor, vision, flambeau };
