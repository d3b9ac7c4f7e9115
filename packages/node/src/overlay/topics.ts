/** The gossip topics of a network; the number is the format's (§16). No other topic is taken from anyone. */
export function headTopicName(network: string): string {
  return `/instar/${network}/heads/1`
}

export function announcementTopicName(network: string): string {
  return `/instar/${network}/announcements/1`
}
