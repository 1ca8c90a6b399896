/** @file How torchvision draws the first weights of convolutional networks. */
import * as nn from '@flambeau/nn';

/** He's initialization of all convolutions by their outputs; normalizations start as the identity. In order of the modules. */
export function initConvolutions(network: nn.Module): void {
  for (const module of network.modules()) {
    if (module instanceof nn.Conv2d) {
      nn.init.kaimingNormal_(module.weight, { mode: 'fan_out', nonlinearity: 'relu' });
      if (module.bias !== null) nn.init.zeros_(module.bias);
    } else if (module instanceof nn.BatchNorm2d || module instanceof nn.GroupNorm) {
      if (module.weight !== null) nn.init.ones_(module.weight);
      if (module.bias !== null) nn.init.zeros_(module.bias);
    }
  }
}
