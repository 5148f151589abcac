/**
 * Translations that stop half way: the packet comes round through the datapath again (recirculation), parsed anew or with a
 * hash, and goes on where it stopped (OVS: finish_freezing and recirc_for_mpls).
 */
import type { OfAction } from "../openflow/action.ts";
import { XlateOutput } from "./xlate-output.ts";

const isUpperLayer = (prerequisite: string): boolean =>
  prerequisite !== "none" && prerequisite !== "ethernet" && prerequisite !== "vlan" && prerequisite !== "mpls";

export abstract class XlateFreeze extends XlateOutput {
  protected triggerFreeze(): void {
    this.exit = true;
    this.freezing = true;
  }

  protected finishFreezing(): void {
    this.commit();
    const id = this.host.freeze(this.frozenState(this.frozen));
    if (this.hashWanted) this.actions.push({ kind: "hash", basis: this.hashBasis, symmetric: this.hashIsSymmetric });
    this.actions.push({ kind: "recirc", id });
    this.freezing = false;
    this.hashWanted = false;
    this.frozen = [];
    this.exit = false;
  }

  /** After the last label was popped, actions on what lies below need the packet parsed again (recirc_for_mpls). */
  protected recirculateForMpls(action: OfAction): void {
    if (this.exit || !this.wasMpls) return;
    switch (action.kind) {
      case "output":
      case "output_trunc":
      case "enqueue":
      case "output_reg":
      case "set_vlan_vid":
      case "set_vlan_pcp":
      case "set_eth_src":
      case "set_eth_dst":
      case "set_tunnel":
      case "set_queue":
      case "group":
        return;
      case "set_field":
        if (!isUpperLayer(action.field.prerequisite)) return;
        break;
    }
    this.triggerFreeze();
  }
}
