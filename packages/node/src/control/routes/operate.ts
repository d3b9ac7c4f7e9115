import { defineRoute, type Route } from '../route.js'

const done = { done: true } as const

/** What the operator of this peer decides: local policy above the schedule, below halts and limits. */
export const operateRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/v1/approve',
    name: 'approve',
    summary: 'Approve a version at this peer, or open its schedule gate now; trust, health and limit stay in force.',
    body: 'Approval',
    answer: 'Done',
    handle: async (control, { body }) => {
      await control.approve(body.version, { now: body.now ?? false })
      return done
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/hold',
    name: 'hold',
    summary: 'Let this peer not upgrade to a version, or to any, until it is resumed; holds past every deadline.',
    body: 'HoldTarget',
    answer: 'Done',
    handle: async (control, { body }) => {
      await control.hold(body.version ?? 'all')
      return done
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/resume',
    name: 'resume',
    summary: 'Take a hold back.',
    body: 'HoldTarget',
    answer: 'Done',
    handle: async (control, { body }) => {
      await control.resume(body.version ?? 'all')
      return done
    }
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/policy',
    name: 'policy',
    summary: 'The local policy rule by rule, and where each comes from.',
    answer: 'Policy',
    handle: control => ({ rules: [...control.policy()] })
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/policy',
    name: 'changePolicy',
    summary: 'Set rules of the local policy, or take back what was said of them at run time; survives a restart.',
    body: 'PolicyChange',
    answer: 'Policy',
    handle: async (control, { body }) => ({ rules: [...(await control.changePolicy(body))] })
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/unpark',
    name: 'unpark',
    summary: 'Let a host start again that is parked because it crashed again and again.',
    answer: 'Done',
    handle: async control => {
      await control.unpark()
      return done
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/go-back',
    name: 'goBack',
    summary: 'Send the trial of a version back at this peer (§15).',
    body: 'Trial',
    answer: 'Done',
    handle: async (control, { body }) => {
      await control.goBack(body.version)
      return done
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/rehearsals',
    name: 'rehearse',
    summary:
      'Try the upgrade to a version on a copy of the state, which goes on serving (R13). Answers when it is done; ends when the caller goes.',
    body: 'RehearsalRequest',
    answer: 'Rehearsal',
    handle: async (control, { body, signal }) => {
      const { unread, ...rest } = await control.rehearse(body.version, signal)
      return { ...rest, unread: [...unread] }
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/gc',
    name: 'collectGarbage',
    summary:
      'Remove bundles, old states and left-overs that nothing needs any more, now and not when they are old enough; or only say which these are.',
    body: 'GarbageRequest',
    answer: 'Garbage',
    handle: async (control, { body, signal }) => {
      const { dryRun, removed, later, kept, failed } = await control.collectGarbage(
        { dryRun: body.dryRun ?? false },
        signal
      )
      return { dryRun, removed: [...removed], later: [...later], kept: [...kept], failed: [...failed] }
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/certificates',
    name: 'submitCertificate',
    summary: 'Hand in an admission certificate, of this peer or of another, to which it goes.',
    body: 'Certificate',
    answer: 'CertificateAnswer',
    handle: async (control, { body }) => {
      const answer = await control.submitCertificate(new Uint8Array(Buffer.from(body.certificate, 'base64')))
      return { ...answer }
    }
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/calls',
    name: 'call',
    summary: 'Call a method of an object in the network.',
    body: 'CallRequest',
    answer: 'CallAnswer',
    handle: (control, { body, signal }) => control.call(body, signal)
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/stop',
    name: 'stop',
    summary: 'Stop the peer cleanly. The answer comes before it stops.',
    answer: 'Done',
    handle: control => {
      control.stop()
      return done
    }
  })
]
