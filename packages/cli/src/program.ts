import { Command } from 'commander'
import { addBundleExport } from './commands/bundle-export.js'
import { addBundleImport } from './commands/bundle-import.js'
import { addAdmit } from './commands/admit.js'
import { addCall } from './commands/call.js'
import { addHalt } from './commands/halt.js'
import { addCertificateAdd, addCertificateSign } from './commands/certificate.js'
import { addGc } from './commands/gc.js'
import { addGroupSet } from './commands/group.js'
import { addJoin } from './commands/join.js'
import { addKeysCreate } from './commands/keys-create.js'
import { addKeysExportPublic } from './commands/keys-export-public.js'
import { addKeysImport } from './commands/keys-import.js'
import { addKeysList } from './commands/keys-list.js'
import { addLog } from './commands/log.js'
import { addMirrorExport } from './commands/mirror-export.js'
import { addMirrorImport } from './commands/mirror-import.js'
import { addNetworkCreate } from './commands/network-create.js'
import { addNetworkPolicy } from './commands/network-policy.js'
import { addNetworkRefresh } from './commands/network-refresh.js'
import { addNetworkRenew } from './commands/network-renew.js'
import { addNetworkResolve } from './commands/network-resolve.js'
import { addNetworkRotate } from './commands/network-rotate.js'
import { addNetworkShow } from './commands/network-show.js'
import { addPeerReset } from './commands/peer-reset.js'
import { addPeerRestore } from './commands/peer-restore.js'
import { addPeerStart } from './commands/peer-start.js'
import { addPeerStop } from './commands/peer-stop.js'
import { addPeerUnpark } from './commands/peer-unpark.js'
import { addPolicySet, addPolicyShow, addPolicyUnset } from './commands/policy.js'
import { addProposalPublish, addProposalShow, addProposalSign } from './commands/proposal.js'
import { addRevoke } from './commands/revoke.js'
import { addStatus } from './commands/status.js'
import { addTicket } from './commands/ticket.js'
import { addUpgradeApprove } from './commands/upgrade-approve.js'
import { addUpgradeBuild } from './commands/upgrade-build.js'
import { addUpgradeCheck } from './commands/upgrade-check.js'
import { addUpgradeGoNow } from './commands/upgrade-go-now.js'
import { addUpgradeBack } from './commands/upgrade-back.js'
import { addUpgradeHold } from './commands/upgrade-hold.js'
import { addUpgradeNew } from './commands/upgrade-new.js'
import { addUpgradePatch } from './commands/upgrade-patch.js'
import { addUpgradePlan } from './commands/upgrade-plan.js'
import { addUpgradePublish } from './commands/upgrade-publish.js'
import { addUpgradeRehearse } from './commands/upgrade-rehearse.js'
import { addUpgradeSign } from './commands/upgrade-sign.js'
import { addUpgradeStatus } from './commands/upgrade-status.js'
import { addWhy } from './commands/why.js'
import { exitCodes } from './exit-code.js'
import type { Io } from './io.js'
import { release } from './release.js'

/** The whole command line as one tree; docs/cli.md is written from it. */
export function createProgram(io: Io): Command {
  const program = new Command('instar')
    .description('Upgrades a long-lived distributed service while it runs, with no server in the middle.')
    .version(release, '-V, --version', 'print the version of Instar')
    .helpCommand(false)
    .showSuggestionAfterError()
    .showHelpAfterError('(instar --help tells what there is)')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, getOutHasColors: () => false, getErrHasColors: () => false })
    .configureHelp({ helpWidth: 100 })
    .addHelpText(
      'after',
      `
A first network:
  $ instar network create --class IntSet=./int-set.ts --data ./one --keys ./keys --no-passphrase
  $ instar peer start --data ./one
  $ instar join "$(instar ticket --data ./one)" --data ./two

Exit codes:
${Object.values(exitCodes)
  .map(([code, meaning]) => `  ${code}  ${meaning}`)
  .join('\n')}`
    )

  const network = group(program, 'network', 'make a network, look at it')
  addNetworkCreate(network, io)
  addNetworkShow(network, io)
  addNetworkRefresh(network, io)
  addNetworkRotate(network, io)
  addNetworkRenew(network, io)
  addNetworkResolve(network, io)
  addNetworkPolicy(network, io)
  const proposal = group(program, 'proposal', 'look at a proposal, sign it, publish it')
  addProposalShow(proposal, io)
  addProposalSign(proposal, io)
  addProposalPublish(proposal, io)
  addHalt(program, io)
  addAdmit(program, io)
  addRevoke(program, io)
  const certificate = group(program, 'certificate', 'pass on and sign what admits a peer')
  addCertificateAdd(certificate, io)
  addCertificateSign(certificate, io)
  addGroupSet(group(program, 'group', 'say who is in a replica group'), io)
  const peer = group(program, 'peer', 'run a peer')
  addPeerStart(peer, io)
  addPeerStop(peer, io)
  addPeerReset(peer, io)
  addPeerRestore(peer, io)
  addPeerUnpark(peer, io)
  const policy = group(program, 'policy', 'what this peer is allowed, whatever version comes')
  addPolicyShow(policy, io)
  addPolicySet(policy, io)
  addPolicyUnset(policy, io)
  addJoin(program, io)
  addTicket(program, io)
  addStatus(program, io)
  addWhy(program, io)
  addLog(program, io)
  addGc(program, io)
  addCall(program, io)
  const upgrade = group(program, 'upgrade', 'make an upgrade, publish it, follow it, decide about it here')
  addUpgradeNew(upgrade, io)
  addUpgradeCheck(upgrade, io)
  addUpgradeBuild(upgrade, io)
  addUpgradePatch(upgrade, io)
  addUpgradePlan(upgrade, io)
  addUpgradeSign(upgrade, io)
  addUpgradePublish(upgrade, io)
  addUpgradeStatus(upgrade, io)
  addUpgradeRehearse(upgrade, io)
  addUpgradeApprove(upgrade, io)
  addUpgradeGoNow(upgrade, io)
  addUpgradeHold(upgrade, io)
  addUpgradeBack(upgrade, io)
  const bundle = group(program, 'bundle', 'carry a network by hand: trust documents, descriptors and code in one file')
  addBundleExport(bundle, io)
  addBundleImport(bundle, io)
  const mirror = group(program, 'mirror', 'keep a copy of a network on a web server or in a folder, and read one')
  addMirrorExport(mirror, io)
  addMirrorImport(mirror, io)
  const keys = group(program, 'keys', 'make keys, look at them, take them in, pass them on')
  addKeysCreate(keys, io)
  addKeysList(keys, io)
  addKeysImport(keys, io)
  addKeysExportPublic(keys, io)
  return program
}

function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpCommand(false)
}
